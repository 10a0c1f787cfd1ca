package format

// kind tells what a node is in the text.
type kind int

const (
	nothing kind = iota // a key without a value
	mapping             // block style
	sequence
	flow   // { } or [ ]
	scalar // plain, quoted or an alias, on one line or several
	block  // | or >
)

// node is a value as it stands in the text.
type node struct {
	kind     kind
	props    string // anchor and tag
	below    bool   // it begins on a line below its key, dash or props
	lead     []trivia
	entries  []*entry // of a mapping or a sequence
	lines    []string // of a scalar, a block: without indentation
	header   string   // of a block
	tokens   []token  // of a flow
	remark   remark   // after the last line; of a block, after its header
	trailing []trivia // comments at the end of a mapping or sequence, or in place of a value
	row      int
}

// entry is a key with its value, or an item of a list.
type entry struct {
	lead   []trivia
	key    string // of a mapping
	remark remark // after the key or the dash, where the value begins below
	value  *node
	row    int
}

// trivia is a line without content: a comment, or nothing.
type trivia struct {
	text   string // "" is a blank line
	column int
}

// remark is a comment behind something.
type remark struct {
	text   string // "" is none
	column int
	gap    int // spaces before it
}

// token is a part of a flow collection.
type token struct {
	text     string
	lines    []string // of a quoted text on several lines, the ones after the first
	kind     byte     // one of the punctuation { } [ ] , : or 's' scalar, 'q' quoted, '*' alias, '&' prop, '#' comment
	newlines int      // before it
	remark   remark   // of a comment
}
