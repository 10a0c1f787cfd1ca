// Package shell makes values safe in shell scripts. It parses a script whose
// interpolations are already found, learns from the syntax tree how the shell
// quotes each of them, and renders the script so that, whatever a value holds,
// the command sees exactly that value. A place without a safe form is a problem
// found at load.
//
// A script for sh is read twice, as POSIX and as bash: sh is dash on one host
// and bash or ksh on the next, and a value goes only where all of them agree.
//
// The text after `eval`, `sh -c` and `ssh host` is quoted for this shell only;
// what another shell does with it afterwards is the author's business. So is
// what a command makes of its arguments (`[ "$x" -eq … ]` is arithmetic in ksh).
//
// It is unaware of expressions, of YAML, of files and of processes: it neither
// finds `${{ … }}` nor computes what stands there, and it runs nothing.
package shell
