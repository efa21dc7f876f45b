package io.github.flashspring.autoconfigure;

import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

import io.github.flashspring.engine.FlashEngine;

/**
 * {@link AutoConfiguration Auto-configuration} for {@link FlashEndpoint}.
 */
@AutoConfiguration(after = FlashAutoConfiguration.class)
@ConditionalOnClass({ FlashEngine.class, Endpoint.class, ConditionalOnAvailableEndpoint.class })
@ConditionalOnBean(FlashEngine.class)
@ConditionalOnAvailableEndpoint(FlashEndpoint.class)
public final class FlashEndpointAutoConfiguration {

	@Bean
	@ConditionalOnMissingBean
	FlashEndpoint flashEndpoint(ListableBeanFactory beans) {
		return new FlashEndpoint(beans.getBeansOfType(FlashEngine.class));
	}

	@Bean
	static EndpointRefusals flashEndpointRefusals() {
		return new EndpointRefusals();
	}

}
