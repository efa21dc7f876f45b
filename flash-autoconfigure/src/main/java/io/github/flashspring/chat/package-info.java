/**
 * The engine as a Spring AI chat model: options, call, stream, observation. It maps
 * between Spring AI's types and the engine's, once. It must not know Spring Boot, the web
 * or where settings come from.
 */
@NullMarked
package io.github.flashspring.chat;

import org.jspecify.annotations.NullMarked;
