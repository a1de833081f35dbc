"""Results of experiments that were kept in a spreadsheet: its cells -> runs to be recorded, or all that is wrong with it."""
