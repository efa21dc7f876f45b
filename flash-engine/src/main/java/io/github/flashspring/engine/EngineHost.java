package io.github.flashspring.engine;

import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.BudgetArbiter;
import io.github.flashspring.engine.weights.WeightFiles;
import io.github.flashspring.engine.weights.WeightLayout;

/**
 * What an engine runs on: its device, its disks, and who decides on its budget. By
 * default it is by itself: a device and reads of its own, and the budget of its config.
 */
interface EngineHost {

	/**
	 * Opens the engine's device.
	 * @param config what is loaded
	 * @return the device; the engine closes it
	 */
	default Device device(FlashConfig config) {
		return Devices.open(config.device(), config.threads());
	}

	/**
	 * Names the files of the engine's weights.
	 * @param config what is loaded
	 * @param layout which tensors lie in which file
	 * @return the files; the engine closes them
	 */
	default WeightFiles files(FlashConfig config, WeightLayout layout) {
		return new WeightFiles(layout, config.reading().direct());
	}

	/**
	 * The engine's budget when it is loaded.
	 * @param config what is loaded
	 * @param share what the engine could do with how much memory
	 * @return the budget; null: chosen from available memory
	 */
	default @Nullable RamBudget budget(FlashConfig config, Supplier<BudgetArbiter.Share> share) {
		return config.ramBudget();
	}

	/**
	 * Refuses to change the budget of an engine where the host decides on it.
	 * @throws UnsupportedOperationException with the reason
	 */
	default void requireOwnBudget() {
	}

	/** The engine was closed and its memory is free. */
	default void closed() {
	}

	/** An engine by itself. */
	EngineHost NONE = new EngineHost() {
	};

}
