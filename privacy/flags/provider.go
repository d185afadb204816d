package flags

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/open-feature/go-sdk/openfeature"
)

// The attributes of the evaluation context, beside its targeting key, which is the
// principal.
const (
	attributeTenant  = "tenant"
	attributeDataset = "dataset"
)

// provider answers the SDK from the file that was read last.
type provider struct{ current atomic.Pointer[set] }

// Metadata implements openfeature.FeatureProvider.
func (p *provider) Metadata() openfeature.Metadata { return openfeature.Metadata{Name: "noised-file"} }

// Hooks implements openfeature.FeatureProvider.
func (p *provider) Hooks() []openfeature.Hook { return nil }

// BooleanEvaluation implements openfeature.FeatureProvider.
func (p *provider) BooleanEvaluation(_ context.Context, flag string, _ bool, attributes openfeature.FlattenedContext) openfeature.BoolResolutionDetail {
	text := func(name string) string {
		s, _ := attributes[name].(string)
		return s
	}
	isOn, by := p.current.Load().value(flag, Scope{
		Tenant: text(attributeTenant), Dataset: text(attributeDataset), Principal: text(openfeature.TargetingKey),
	})
	detail := openfeature.ProviderResolutionDetail{Reason: openfeature.StaticReason, Variant: off}
	if isOn {
		detail.Variant = on
	}
	if by > 0 {
		detail.Reason = openfeature.TargetingMatchReason
		detail.FlagMetadata = openfeature.FlagMetadata{"rule": fmt.Sprint(by)}
	}
	return openfeature.BoolResolutionDetail{Value: isOn, ProviderResolutionDetail: detail}
}

// mismatch is the answer to whoever takes a flag for something else than a switch.
func mismatch() openfeature.ProviderResolutionDetail {
	return openfeature.ProviderResolutionDetail{
		Reason: openfeature.ErrorReason, ResolutionError: openfeature.NewTypeMismatchResolutionError("flags are on or off"),
	}
}

// StringEvaluation implements openfeature.FeatureProvider.
func (p *provider) StringEvaluation(_ context.Context, _ string, d string, _ openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	return openfeature.StringResolutionDetail{Value: d, ProviderResolutionDetail: mismatch()}
}

// FloatEvaluation implements openfeature.FeatureProvider.
func (p *provider) FloatEvaluation(_ context.Context, _ string, d float64, _ openfeature.FlattenedContext) openfeature.FloatResolutionDetail {
	return openfeature.FloatResolutionDetail{Value: d, ProviderResolutionDetail: mismatch()}
}

// IntEvaluation implements openfeature.FeatureProvider.
func (p *provider) IntEvaluation(_ context.Context, _ string, d int64, _ openfeature.FlattenedContext) openfeature.IntResolutionDetail {
	return openfeature.IntResolutionDetail{Value: d, ProviderResolutionDetail: mismatch()}
}

// ObjectEvaluation implements openfeature.FeatureProvider.
func (p *provider) ObjectEvaluation(_ context.Context, _ string, d any, _ openfeature.FlattenedContext) openfeature.InterfaceResolutionDetail {
	return openfeature.InterfaceResolutionDetail{Value: d, ProviderResolutionDetail: mismatch()}
}
