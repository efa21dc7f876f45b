package io.github.flashspring.engine;

import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.BudgetArbiter;

/**
 * What an engine runs on: its device, and who decides on its budget.
 */
interface EngineHost {

	/**
	 * Opens the engine's device.
	 * @param config what is loaded
	 * @return the device; the engine closes it
	 */
	Device device(FlashConfig config);

	/**
	 * The engine's budget when it is loaded.
	 * @param config what is loaded
	 * @param share what the engine could do with how much memory
	 * @return the budget; null: chosen from available memory
	 */
	@Nullable RamBudget budget(FlashConfig config, Supplier<BudgetArbiter.Share> share);

	/**
	 * Refuses to change the budget of an engine where the host decides on it.
	 * @throws UnsupportedOperationException with the reason
	 */
	default void requireOwnBudget() {
	}

	/** The engine was closed and its memory is free. */
	default void closed() {
	}

	/** An engine by itself: a device of its own, and the budget of its config. */
	EngineHost NONE = new EngineHost() {

		@Override
		public Device device(FlashConfig config) {
			return Devices.open(config.device(), config.threads());
		}

		@Override
		public @Nullable RamBudget budget(FlashConfig config, Supplier<BudgetArbiter.Share> share) {
			return config.ramBudget();
		}

	};

}
