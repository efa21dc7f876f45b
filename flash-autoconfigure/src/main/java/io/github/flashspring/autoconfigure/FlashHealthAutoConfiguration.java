package io.github.flashspring.autoconfigure;

import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;

import io.github.flashspring.engine.FlashEngine;

/**
 * {@link AutoConfiguration Auto-configuration} for {@link FlashHealthIndicator}.
 */
@AutoConfiguration(after = FlashAutoConfiguration.class)
@ConditionalOnClass({ FlashEngine.class, HealthIndicator.class, ConditionalOnEnabledHealthIndicator.class })
@ConditionalOnBean(FlashEngine.class)
@ConditionalOnEnabledHealthIndicator("flash")
public final class FlashHealthAutoConfiguration {

	@Bean
	@ConditionalOnMissingBean(name = "flashHealthIndicator")
	FlashHealthIndicator flashHealthIndicator(FlashEngine engine) {
		return new FlashHealthIndicator(engine);
	}

}
