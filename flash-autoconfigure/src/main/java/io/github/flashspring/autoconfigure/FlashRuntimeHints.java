package io.github.flashspring.autoconfigure;

import org.jspecify.annotations.Nullable;

import org.springframework.aot.hint.MemberCategory;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;
import org.springframework.aot.hint.TypeReference;

/**
 * {@link RuntimeHintsRegistrar} for the tokenizer's native library, which ships as a
 * resource and calls back into Java.
 */
class FlashRuntimeHints implements RuntimeHintsRegistrar {

	@Override
	public void registerHints(RuntimeHints hints, @Nullable ClassLoader classLoader) {
		hints.resources().registerPattern("native/lib/**");
		hints.jni()
			.registerType(TypeReference.of("ai.djl.huggingface.tokenizers.jni.CharSpan"),
					MemberCategory.INVOKE_DECLARED_CONSTRUCTORS)
			.registerType(TypeReference.of("ai.djl.huggingface.tokenizers.jni.TokenizersLibrary"),
					MemberCategory.INVOKE_DECLARED_METHODS);
	}

}
