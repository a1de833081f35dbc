"use strict";
// The report of an invocation: all of it stands in its HTML, but for the graph.

const view = new GraphView(document.getElementById("graph"), readData("graph"));
