package bundle

// Words are what every rendering of a prediction says of its use.
func Words(use string) string {
	if use == Research || use == "" {
		return "For research use only. Not for diagnosis or treatment."
	}
	return "Intended use: " + use + "."
}
