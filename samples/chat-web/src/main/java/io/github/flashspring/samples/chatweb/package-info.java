/**
 * A chat page around an injected ChatModel, as an application of a user would be written.
 */
@NullMarked
package io.github.flashspring.samples.chatweb;

import org.jspecify.annotations.NullMarked;
