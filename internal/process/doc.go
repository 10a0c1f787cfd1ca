// Package process is what the programs have in common that run on this machine beside the steps of a run: those that print a
// secret, and those that notify somebody.
package process
