// Package cli is the command line of opsctl: a file a command. It alone knows cobra and viper,
// and all the other packages; it decides nothing that they could decide.
package cli
