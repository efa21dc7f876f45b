package io.github.flashspring.autoconfigure;

import java.util.Map;

import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.CompositeHealthContributor;
import org.springframework.boot.health.contributor.HealthContributor;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;

import io.github.flashspring.engine.FlashEngine;

/**
 * {@link AutoConfiguration Auto-configuration} for {@link FlashHealthIndicator}: one for
 * a single engine, otherwise one for each, by bean name.
 */
@AutoConfiguration(after = FlashAutoConfiguration.class)
@ConditionalOnClass({ FlashEngine.class, HealthIndicator.class, ConditionalOnEnabledHealthIndicator.class })
@ConditionalOnBean(FlashEngine.class)
@ConditionalOnEnabledHealthIndicator("flash")
public final class FlashHealthAutoConfiguration {

	@Bean
	FlashHealthIndicators flashHealthIndicators() {
		return new FlashHealthIndicators();
	}

	@Bean
	@ConditionalOnMissingBean(name = { "flashHealthIndicator", "flashHealthContributor" })
	HealthContributor flashHealthContributor(ListableBeanFactory beans, FlashHealthIndicators indicators) {
		Map<String, FlashEngine> engines = beans.getBeansOfType(FlashEngine.class);
		return (engines.size() == 1) ? indicators.of(engines.values().iterator().next())
				: CompositeHealthContributor.fromMap(engines, indicators::of);
	}

}
