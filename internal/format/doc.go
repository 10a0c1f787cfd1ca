// Package format lays out the YAML that people write: indentation, spaces, blank lines. It keeps
// what they said and how: comments, the order of keys, quotes, block scalars, anchors, flow style.
//
// It works on the text, not on the values: a text becomes a tree of what stands on its lines, and
// that tree is written again. Whatever it gives is read again and compared with what was there; a
// text that it does not understand, or would change, is refused and never touched.
//
// It knows the layout of YAML. It is unaware of what a document means, of files and of commands.
package format
