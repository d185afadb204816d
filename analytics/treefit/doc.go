// Package treefit fits the noised counts of a tree by least squares.
//
// A tree draw counts the same rows once per level, so its noised nodes
// contradict each other, and what they agree on is more precise than any of them.
// The fit is linear, so its precision is known from the shape of the tree alone;
// package estimate makes quantiles and their intervals of it.
package treefit
