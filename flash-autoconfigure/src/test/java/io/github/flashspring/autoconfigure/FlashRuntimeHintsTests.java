package io.github.flashspring.autoconfigure;

import org.junit.jupiter.api.Test;

import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;
import org.springframework.aot.hint.predicate.RuntimeHintsPredicates;
import org.springframework.core.io.ClassPathResource;
import org.springframework.core.io.support.SpringFactoriesLoader;
import org.springframework.util.ClassUtils;

import static org.assertj.core.api.Assertions.assertThat;

class FlashRuntimeHintsTests {

	private final RuntimeHints hints = new RuntimeHints();

	FlashRuntimeHintsTests() {
		SpringFactoriesLoader.forResourceLocation("META-INF/spring/aot.factories")
			.load(RuntimeHintsRegistrar.class)
			.stream()
			.filter(FlashRuntimeHints.class::isInstance)
			.forEach((registrar) -> registrar.registerHints(this.hints, getClass().getClassLoader()));
	}

	@Test
	void nativeLibraryOfTheTokenizerIsAResource() {
		String library = "native/lib/linux-x86_64/cpu/libtokenizers.so";
		assertThat(new ClassPathResource(library).exists()).isTrue();
		assertThat(RuntimeHintsPredicates.resource().forResource(library)).accepts(this.hints);
		assertThat(RuntimeHintsPredicates.resource().forResource("native/lib/tokenizers.properties"))
			.accepts(this.hints);
	}

	@Test
	void typesThatTheNativeLibraryCallsExistAndAreReachable() {
		assertThat(this.hints.jni().typeHints()).hasSize(2)
			.allSatisfy((hint) -> assertThat(ClassUtils.isPresent(hint.getType().getName(), null)).isTrue());
	}

}
