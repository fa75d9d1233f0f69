package validate

// ReadFoldsFrom is ReadFolds without a file.
var ReadFoldsFrom = readFolds
