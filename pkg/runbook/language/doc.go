// Package language is what there is to say about the keys of the runbook language, once: where each may stand, what it takes,
// what it means, an example. The JSON Schema for editors, the answers of opsctl explain and the reference are made of it.
//
// To add a key, add its entry to the table it belongs to (table_*.go) with an example that uses it, and run the tests with
// -update: they hold the table against the decoder, load and plan every example, and write schema and reference anew.
//
// It is unaware of the decoder: it describes what package runbook reads, and takes no part in reading it.
package language
