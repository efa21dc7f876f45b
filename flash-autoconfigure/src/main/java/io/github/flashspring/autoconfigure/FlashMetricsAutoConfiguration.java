package io.github.flashspring.autoconfigure;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;

import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

import io.github.flashspring.engine.FlashEngine;

/**
 * {@link AutoConfiguration Auto-configuration} for {@link EngineMetrics} and
 * {@link GenerationMetrics}.
 */
@AutoConfiguration(after = FlashAutoConfiguration.class,
		afterName = "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration")
@ConditionalOnClass({ FlashEngine.class, MeterBinder.class })
@ConditionalOnBean({ FlashEngine.class, MeterRegistry.class })
public final class FlashMetricsAutoConfiguration {

	@Bean
	@ConditionalOnMissingBean
	EngineMetrics flashEngineMetrics(ListableBeanFactory beans) {
		return new EngineMetrics(beans.getBeansOfType(FlashEngine.class));
	}

	@Bean
	@ConditionalOnMissingBean
	GenerationMetrics flashGenerationMetrics(ListableBeanFactory beans) {
		return new GenerationMetrics(beans.getBeansOfType(FlashEngine.class));
	}

}
