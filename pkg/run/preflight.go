package run

// EndedByPreflight tells whether events, which begin where the hosts were asked, say that the run
// ended there because too few could be reached: nothing was started, so a resume may ask again.
func EndedByPreflight(events []Event) bool {
	for _, e := range events {
		switch e.Kind {
		case HostReached, HostUnreachable:
		case RunFinished:
			return e.Result == Unreached
		default:
			return false
		}
	}
	return false
}
