package io.github.flashspring.engine.memory;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class RamBudgetTests {

	@ParameterizedTest
	@CsvSource({ "4, 4294967296", "0.5, 536870912", "800MB, 838860800", "900KB, 921600", "900kb, 921600",
			"1.5 GB, 1610612736", "2GiB, 2147483648", "123456B, 123456", "1TB, 1099511627776" })
	void readsSizes(String text, long bytes) {
		assertThat(RamBudget.parse(text)).isEqualTo(RamBudget.ofBytes(bytes));
	}

	@Test
	void readsTheLeastPossibleAndNoBound() {
		assertThat(RamBudget.parse("min")).isEqualTo(RamBudget.MINIMUM);
		assertThat(RamBudget.parse("Unlimited")).isEqualTo(RamBudget.UNLIMITED);
	}

	@ParameterizedTest
	@ValueSource(strings = { "", "-1", "0", "4 apples", "1e3", "NaN", "99999999999TB" })
	void refusesTheRest(String text) {
		assertThatIllegalArgumentException().isThrownBy(() -> RamBudget.parse(text));
	}

	@Test
	void withoutASettingAModelGetsWhatItNeedsUpToThreeQuarters() {
		MemoryLimits limits = new MemoryLimits(4000, 1000, "control group");
		assertThat(RamBudget.within(limits, 3000)).isEqualTo(RamBudget.UNLIMITED);
		assertThat(RamBudget.within(limits, 3001)).isEqualTo(RamBudget.ofBytes(3000));
	}

}
