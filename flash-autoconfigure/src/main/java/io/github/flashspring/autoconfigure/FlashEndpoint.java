package io.github.flashspring.autoconfigure;

import java.util.concurrent.Future;

import org.jspecify.annotations.Nullable;

import org.springframework.boot.actuate.endpoint.InvalidEndpointRequestException;
import org.springframework.boot.actuate.endpoint.OperationResponseBody;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;

import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.ModelInfo;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.residency.BudgetExceededException;
import io.github.flashspring.engine.residency.PlanReport;
import io.github.flashspring.engine.residency.RamBudget;

/**
 * {@link Endpoint} that shows what an engine runs, what of it stays in memory, and every
 * byte that it read; and that changes the memory it may use.
 */
@Endpoint(id = "flash")
public class FlashEndpoint {

	private final FlashEngine engine;

	FlashEndpoint(FlashEngine engine) {
		this.engine = engine;
	}

	/**
	 * Shows the engine.
	 * @return what it is and does at this moment
	 */
	@ReadOperation
	public FlashDescriptor flash() {
		if (this.engine instanceof BackgroundFlashEngine background && background.state() != Future.State.SUCCESS) {
			return (background.state() == Future.State.RUNNING) ? FlashDescriptor.of(State.LOADING, null)
					: FlashDescriptor.of(State.FAILED, background.failure().getMessage());
		}
		return new FlashDescriptor(State.READY, null, this.engine.model(), plan(), this.engine.snapshot());
	}

	/**
	 * Changes the memory that the engine may use; requests go on.
	 * @param ramBudgetGb memory in gigabytes of 1024³ bytes, perhaps a fraction; without
	 * it, the whole model stays in memory
	 * @return what the engine is from now on
	 */
	@WriteOperation
	public FlashDescriptor ramBudget(@Nullable Double ramBudgetGb) {
		if (this.engine instanceof BackgroundFlashEngine background && background.state() != Future.State.SUCCESS) {
			throw refused("The model is not loaded");
		}
		try {
			this.engine.ramBudget((ramBudgetGb != null) ? RamBudget.ofGigabytes(ramBudgetGb) : RamBudget.UNLIMITED);
		}
		catch (IllegalArgumentException | BudgetExceededException | UnsupportedOperationException ex) {
			throw refused(String.valueOf(ex.getMessage()));
		}
		return flash();
	}

	private static InvalidEndpointRequestException refused(String reason) {
		return new InvalidEndpointRequestException("Cannot change the budget: " + reason, reason);
	}

	private @Nullable PlanReport plan() {
		try {
			return PlanReport.of(this.engine.plan());
		}
		catch (UnsupportedOperationException ex) {
			return null; // an engine of the application's own
		}
	}

	/**
	 * What an engine is and does.
	 *
	 * @param state how loading stands
	 * @param error why loading failed, or null
	 * @param model what was loaded, or null
	 * @param plan how the memory is divided, or null
	 * @param now what is held and was done until now, or null
	 */
	public record FlashDescriptor(State state, @Nullable String error, @Nullable ModelInfo model,
			@Nullable PlanReport plan, @Nullable EngineSnapshot now) implements OperationResponseBody {

		static FlashDescriptor of(State state, @Nullable String error) {
			return new FlashDescriptor(state, error, null, null, null);
		}

	}

	/** How loading stands. */
	public enum State {

		/** The model is being loaded; requests wait. */
		LOADING,
		/** Requests are served. */
		READY,
		/** Loading failed, and so will requests. */
		FAILED

	}

}
