package io.github.flashspring.autoconfigure.diagnostics;

import org.springframework.context.ApplicationContextInitializer;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * {@link ApplicationContextInitializer} that ends the start of an application that chose
 * Flash on a Java that cannot run it. Otherwise, the auto-configuration would only not
 * match.
 */
class JavaVersionInitializer implements ApplicationContextInitializer<ConfigurableApplicationContext> {

	private final int version;

	JavaVersionInitializer() {
		this(Runtime.version().feature());
	}

	JavaVersionInitializer(int version) {
		this.version = version;
	}

	@Override
	public void initialize(ConfigurableApplicationContext context) {
		if (UnsupportedJavaException.appliesTo(this.version)
				&& FlashSelection.of(context.getEnvironment()).selected()) {
			throw new UnsupportedJavaException(this.version);
		}
	}

}
