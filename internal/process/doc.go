// Package process is what the programs have in common that opsctl starts on this machine: shells that are held by their
// streams, and programs that are asked for a secret or told something, apart from the terminal.
package process
