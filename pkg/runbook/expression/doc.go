// Package expression compiles and evaluates the expressions of runbooks
// (https://expr-lang.org), with types, when the runbook is loaded.
//
// It alone knows the expr library. It is unaware of runbooks and steps: the names an
// expression may use are given to it as a Scope, their values when it is evaluated.
package expression
