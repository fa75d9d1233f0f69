package inflate

// Assembled says whether the loop in assembly is used, and sets that.
var Assembled = &assembled
