package edge

import (
	"github.com/labstack/echo/v5"

	"github.com/noised/noised/api/rest/validation"
)

// negotiate settles the media types of the body and of the answer.
func (e *Edge) negotiate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) (err error) {
		v := visitOf(c.Request().Context())
		if v.Operation != nil {
			if v.Media, err = validation.Negotiate(v.Operation, c.Request().Header); err != nil {
				return err
			}
		}
		return next(c)
	}
}

// validate holds the request against the document.
func (e *Edge) validate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) (err error) {
		v := visitOf(c.Request().Context())
		if v.Operation != nil {
			if v.Body, err = validation.Check(c.Response(), c.Request(), v.Operation, named(v.path)); err != nil {
				return err
			}
		}
		return next(c)
	}
}

// named returns what a path names, by the names of its parameters.
func named(path echo.PathValues) map[string]string {
	out := make(map[string]string, len(path))
	for _, part := range path {
		out[part.Name] = part.Value
	}
	return out
}
