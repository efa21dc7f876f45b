/**
 * Grammars over bytes: JSON Schema and GBNF to a pushdown automaton, and the tokens of a
 * vocabulary that it admits. It must not know a model, a tokenizer's file or a request.
 */
@NullMarked
package io.github.flashspring.engine.generate.grammar;

import org.jspecify.annotations.NullMarked;
