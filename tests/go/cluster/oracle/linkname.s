// This file is intentionally empty. go:linkname needs functions without a body, which the Go compiler
// accepts only in a package with an assembly file.
