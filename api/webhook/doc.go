// Package webhook tells somebody else's server of alerts, over HTTPS.
//
// Each message is a POST of one JSON object with ids, names and two numbers: no SQL,
// no value, no secret. Its header Noised-Signature is
//
//	t=1767225600,v1=5257a869e7…
//
// the time at which it was sent, in seconds, and the HMAC-SHA256 of "1767225600."
// and the body under a shared secret, in hexadecimal. Whoever receives it compares
// in constant time and refuses what is more than a few minutes old. A message may
// come twice: the member id tells.
//
// What cannot be delivered is tried again, later each time. The queue has an end:
// what does not fit is counted and left to GET /v1/admin/alerts, where everything
// is.
package webhook
