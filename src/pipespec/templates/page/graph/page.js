"use strict";
// The page of `graph --format html`.

const view = new GraphView(document.getElementById("graph"), readData("graph"), { wheel: true });
