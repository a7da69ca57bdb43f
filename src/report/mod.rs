//! The report: one value, written as JSON, CSV, HTML and figures.
