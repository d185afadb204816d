package datasets

import (
	"context"

	"github.com/noised/noised/analytics/template"
	"github.com/noised/noised/api/rest/operation"
	"github.com/noised/noised/api/rest/proposals"
	"github.com/noised/noised/api/rest/skeleton"
	"github.com/noised/noised/api/wire"
	"github.com/noised/noised/privacy"
)

// ListTemplates lists the queries of a dataset that may be asked by name.
func (h Handlers) ListTemplates(ctx context.Context, r skeleton.ListTemplatesRequestObject) (skeleton.ListTemplatesResponseObject, error) {
	if _, err := h.Catalog.Dataset(ctx, r.Dataset); err != nil {
		return nil, err
	}
	all, err := h.Consent.Templates(ctx, r.Dataset)
	if err != nil {
		return nil, err
	}
	return skeleton.ListTemplates200JSONResponse{Items: wire.List(all, templateOf)}, nil
}

// GetTemplate shows one of them.
func (h Handlers) GetTemplate(ctx context.Context, r skeleton.GetTemplateRequestObject) (skeleton.GetTemplateResponseObject, error) {
	v, err := h.Consent.Template(ctx, r.Dataset, r.Template)
	if err != nil {
		return nil, err
	}
	return skeleton.GetTemplate200JSONResponse(templateOf(v)), nil
}

// PutTemplate lets a query be asked by name, once it was tried that it can be.
func (h Handlers) PutTemplate(ctx context.Context, r skeleton.PutTemplateRequestObject) (skeleton.PutTemplateResponseObject, error) {
	if err := privacy.CheckName("template", r.Template); err != nil {
		return nil, err
	}
	t := template.Template{SQL: r.Body.SQL, Epsilon: r.Body.Epsilon, Parameters: map[string]template.Parameter{}}
	for name, p := range r.Body.Parameters {
		t.Parameters[name] = template.Parameter{Type: p.Type, Values: p.Values, Range: p.Range}
	}
	if err := h.Queries.Try(ctx, r.Dataset, t); err != nil {
		return nil, err
	}
	p, err := h.Consent.PutTemplate(ctx, r.Dataset, r.Template, &t, operation.Principal(ctx))
	if err != nil {
		return nil, err
	}
	if p != nil {
		return skeleton.PutTemplate202JSONResponse{WaitsJSONResponse: proposals.Waits(p)}, nil
	}
	v, err := h.Consent.Template(ctx, r.Dataset, r.Template)
	if err != nil {
		return nil, err
	}
	return skeleton.PutTemplate200JSONResponse(templateOf(v)), nil
}

// DeleteTemplate withdraws a template. Less may be asked then, so nobody need agree.
func (h Handlers) DeleteTemplate(ctx context.Context, r skeleton.DeleteTemplateRequestObject) (skeleton.DeleteTemplateResponseObject, error) {
	if _, err := h.Consent.PutTemplate(ctx, r.Dataset, r.Template, nil, operation.Principal(ctx)); err != nil {
		return nil, err
	}
	return skeleton.DeleteTemplate204Response{}, nil
}

func templateOf(v template.Version) wire.Template {
	w := wire.Template{
		Dataset: v.Dataset, Name: v.Name, Version: v.Number, SQL: v.Template.SQL, Epsilon: v.Template.Epsilon, CreatedAt: v.CreatedAt,
		Parameters: map[string]wire.TemplateParameter{},
	}
	for name, p := range v.Template.Parameters {
		w.Parameters[name] = wire.TemplateParameter{Type: p.Type, Values: p.Values, Range: p.Range}
	}
	return w
}
