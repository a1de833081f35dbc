"""Results of experiments from a spreadsheet: convert cells to runs to record, or report all that is wrong with them."""
