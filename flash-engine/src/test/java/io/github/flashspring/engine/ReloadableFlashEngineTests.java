package io.github.flashspring.engine;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What {@link ReloadableFlashEngine} must forward.
 */
class ReloadableFlashEngineTests {

	@Test
	void everyMethodIsForwarded() {
		assertThat(Arrays.stream(FlashEngine.class.getMethods())
			.filter((method) -> !Modifier.isStatic(method.getModifiers()))).allMatch(this::isOverridden);
	}

	private boolean isOverridden(Method method) {
		try {
			return ReloadableFlashEngine.class.getMethod(method.getName(), method.getParameterTypes())
				.getDeclaringClass() == ReloadableFlashEngine.class;
		}
		catch (NoSuchMethodException ex) {
			return false;
		}
	}

}
