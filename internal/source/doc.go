// Package source reads the YAML that people write and remembers where every
// word of it stands, so that whatever is found wrong with it later can be
// shown at its place: file, line, column, the line itself, a caret, a way out.
//
// It knows YAML and positions. It is unaware of what the document means:
// runbooks and inventories are read from its nodes by their own packages.
package source
