package rest

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/noised/noised/api/authn/lockout"
	"github.com/noised/noised/api/idempotency"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/privacy"
)

// server implements the generated StrictServerInterface, and the two operations
// whose bodies it reads itself.
type server struct {
	Options
	now      func() time.Time
	log      *slog.Logger
	document []byte
	ops      operations
	answers  *idempotency.Store
	slots    *slots
	uploads  *slots
	rates    *rates // of principals
	shares   *rates // of tenants
	lockout  *lockout.Lockout
	metrics  *metrics
}

var _ skeleton.StrictServerInterface = (*server)(nil)

// NewServer returns the handler of the whole HTTP interface. Timeouts of
// connections (headers, idleness) are those of the http.Server around it.
func NewServer(o Options) (http.Handler, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	doc, text, err := loadDocument(context.Background())
	if err != nil {
		return nil, err
	}
	ops, err := newOperations(doc)
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(o.Metrics)
	if err != nil {
		return nil, err
	}
	s := &server{
		Options: o, now: o.Now, log: o.Log, document: text, ops: ops, metrics: m,
		answers: idempotency.New(o.DB, o.Now, o.Timeout+time.Minute),
		slots:   newSlots(o.MaxConcurrent), uploads: newSlots(o.MaxUploads),
		rates: newRates(o.Rate, o.Burst, o.Now), shares: newRates(1, 1, o.Now), lockout: lockout.New(o.AuthFailures, o.Now),
	}
	return headAsGet(s.routes()), nil
}

// routes registers every operation behind the line of steps.
func (s *server) routes() http.Handler {
	e := echo.NewWithConfig(echo.Config{
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), // errors are logged in observe, without values
		Router: echo.NewRouter(echo.RouterConfig{}),
	})
	e.Use(s.observe, s.admit, s.hold, s.authenticate, s.authorize, s.negotiate, s.validate, s.replay)
	skeleton.RegisterHandlers(e, skeleton.NewStrictHandler(s, nil))
	e.POST("/v1/datasets/:dataset/loads", s.CreateLoad)
	e.POST("/v1/admin/datasets", s.CreateDataset)
	return e
}

// headAsGet answers HEAD as GET without the body, except for queries: there HEAD
// would spend budget for nothing.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead && r.URL.Path != "/v1/query" {
			get := r.Clone(r.Context())
			get.Method = http.MethodGet
			w, r = bodiless{w}, get
		}
		next.ServeHTTP(w, r)
	})
}

// bodiless drops the body of an answer to HEAD.
type bodiless struct{ http.ResponseWriter }

func (b bodiless) Write(p []byte) (int, error) { return len(p), nil }
func (b bodiless) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// GetOpenAPI serves the document.
func (s *server) GetOpenAPI(context.Context, skeleton.GetOpenAPIRequestObject) (skeleton.GetOpenAPIResponseObject, error) {
	return documentResponse(s.document), nil
}

// GetHealth says that the process runs.
func (s *server) GetHealth(context.Context, skeleton.GetHealthRequestObject) (skeleton.GetHealthResponseObject, error) {
	return skeleton.GetHealth200JSONResponse{Status: "ok"}, nil
}

// GetReadiness says whether requests can be answered.
func (s *server) GetReadiness(ctx context.Context, _ skeleton.GetReadinessRequestObject) (skeleton.GetReadinessResponseObject, error) {
	if err := s.Ready(ctx); err != nil {
		return nil, privacy.Errorf(privacy.CodeUnavailable, "the server is not ready").Because(err)
	}
	return skeleton.GetReadiness200JSONResponse{Status: "ok"}, nil
}

type documentResponse []byte

// VisitGetOpenAPIResponse implements GetOpenAPIResponseObject.
func (d documentResponse) VisitGetOpenAPIResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(d)
	return err
}
