package inventory

// Values gives the host as expressions see it: name, addr, user, groups, vars.
func (h *Host) Values() map[string]any {
	groups := make([]any, len(h.Groups))
	for i, g := range h.Groups {
		groups[i] = g
	}
	addr := h.Addr
	if addr == "" {
		addr = h.Name
	}
	vars := h.Vars
	if vars == nil {
		vars = map[string]any{}
	}
	return map[string]any{"name": h.Name, "addr": addr, "user": h.User, "groups": groups, "vars": vars}
}
