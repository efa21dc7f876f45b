package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.storage.Disk;
import io.github.flashspring.engine.storage.ReadPattern;
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
		double reading = plan.streamedBytes() / diskBytesPerSecond();
		double compute = plan.weightBytesPerToken() / COMPUTE_BYTES_PER_SECOND;
		return 1 / (Math.max(reading, compute) + INTERFERENCE * Math.min(reading, compute));
	}

	/**
	 * One rate for all plans: a pattern that was measured next to one that was not would
	 * make more memory look slower.
	 */
	private double diskBytesPerSecond() {
		double best = this.disk.patterns().stream().mapToDouble(ReadPattern::bytesPerSecond).max().orElse(0);
		return (best > 0) ? best : DISK_BYTES_PER_SECOND;
	}

}
