// This file is empty on purpose: the Go compiler accepts functions without a body, which go:linkname
// needs, only in a package that has an assembly file.
