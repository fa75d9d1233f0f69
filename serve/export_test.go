package serve

import "net/http"

// Mux is where the server's routes are registered.
func (s *Server) Mux() *http.ServeMux { return s.api.Mux() }
