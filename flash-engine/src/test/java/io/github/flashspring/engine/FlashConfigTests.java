package io.github.flashspring.engine;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class FlashConfigTests {

	@Test
	void theDefaultBudgetIsChosenFromAvailableMemory() {
		assertThat(FlashConfig.builder("some/model").build().ramBudget()).isNull();
	}

}
