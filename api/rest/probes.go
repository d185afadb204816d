package rest

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/privacy"
)

// probes answers machines that watch the server, and those that want its document.
type probes struct {
	ready    func(context.Context) error
	document []byte
}

// GetOpenAPI serves the document.
func (p probes) GetOpenAPI(context.Context, skeleton.GetOpenAPIRequestObject) (skeleton.GetOpenAPIResponseObject, error) {
	return documentResponse(p.document), nil
}

// GetHealth says that the process runs.
func (p probes) GetHealth(context.Context, skeleton.GetHealthRequestObject) (skeleton.GetHealthResponseObject, error) {
	return skeleton.GetHealth200JSONResponse{Status: "ok"}, nil
}

// GetReadiness says whether requests can be answered.
func (p probes) GetReadiness(ctx context.Context, _ skeleton.GetReadinessRequestObject) (skeleton.GetReadinessResponseObject, error) {
	if err := p.ready(ctx); err != nil {
		return nil, privacy.Errorf(privacy.CodeUnavailable, "the server is not ready").Because(err)
	}
	return skeleton.GetReadiness200JSONResponse{Status: "ok"}, nil
}

type documentResponse []byte

// VisitGetOpenAPIResponse implements skeleton.GetOpenAPIResponseObject.
func (d documentResponse) VisitGetOpenAPIResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(d)
	return err
}

// MetricsHandler serves what was registered, for a listener of its own.
func MetricsHandler(g prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{})
}
