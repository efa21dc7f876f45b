package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.storage.Disk;
import io.github.flashspring.engine.weights.WeightLayout;

/**
 * How fast an engine decodes with how much memory, as its plans predict.
 *
 * @param name the model's name
 * @param layout its weights
 * @param needs memory that it needs besides the weights
 * @param disk how its files can be read
 */
public record PlannedShare(String name, WeightLayout layout, ResidencyPlan.Needs needs,
		Disk disk) implements BudgetArbiter.Share {

	/** Rate of a disk that was not measured. */
	private static final double DISK_BYTES_PER_SECOND = 2e9;

	/**
	 * Rate of compute, in bytes of weights: 4-bit codes on two cores. It only bounds what
	 * pinning can gain, so that it need not be the rate of this machine.
	 */
	private static final double COMPUTE_BYTES_PER_SECOND = 10e9;

	/**
	 * How much the shorter of reading and compute slows the longer: the default limit.
	 */
	private static final double INTERFERENCE = 0.05;

	@Override
	public long minimumBytes() {
		return ResidencyPlan.of(RamBudget.MINIMUM, this.layout, this.needs, this.disk).minimumBytes();
	}

	@Override
	public double tokensPerSecond(long bytes) {
		ResidencyPlan plan = ResidencyPlan.of(RamBudget.ofBytes(bytes), this.layout, this.needs, this.disk);
		double measured = plan.reads().bytesPerSecond();
		double reading = plan.streamedBytes() / ((measured > 0) ? measured : DISK_BYTES_PER_SECOND);
		double compute = plan.weightBytesPerToken() / COMPUTE_BYTES_PER_SECOND;
		return 1 / (Math.max(reading, compute) + INTERFERENCE * Math.min(reading, compute));
	}

}
