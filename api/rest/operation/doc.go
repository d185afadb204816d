// Package operation knows what may be called, and who may call it.
//
// Every operation of api/openapi.yaml has one line in the access table, and an
// entry that tells the steps of the server what its requests and answers look
// like. New fails when the document and the table differ, so that no operation can
// be forgotten. A Call is an operation that is being served: what the steps have
// learnt about it, for those who handle it.
package operation
