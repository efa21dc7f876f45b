package io.github.flashspring.engine.checkpoint;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;

import com.sun.management.ThreadMXBean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.failure.FlashException;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Counts what became of damaged files: each is refused with an exception of our own,
 * which names what is wrong, or it works. None takes long, or more memory than files of
 * some kilobytes can need.
 */
public final class FuzzOutcomes {

	private static final Logger logger = LoggerFactory.getLogger(FuzzOutcomes.class);

	/** Of any file that is only read. */
	private static final long MAX_ALLOCATED = 16 << 20;

	private static final Duration MAX_DURATION = Duration.ofSeconds(2);

	private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

	private final Set<String> refusals = new TreeSet<>();

	private final long maxAllocated;

	private int accepted;

	private int refused;

	private Duration slowest = Duration.ZERO;

	public FuzzOutcomes() {
		this(MAX_ALLOCATED);
	}

	/**
	 * Sets another limit.
	 * @param maxAllocated bytes that a case may allocate
	 */
	public FuzzOutcomes(long maxAllocated) {
		this.maxAllocated = maxAllocated;
	}

	/**
	 * Reads a damaged file.
	 * @param number of the case, for the report
	 * @param reader reads it
	 */
	public void run(int number, Runnable reader) {
		long before = this.threads.getCurrentThreadAllocatedBytes();
		long processorTime = this.threads.getCurrentThreadCpuTime();
		try {
			reader.run();
			this.accepted++;
		}
		catch (FlashException ex) {
			this.refused++;
			assertThat(ex.getMessage()).hasSizeLessThan(4_000);
			// Numbers and quoted names aside, how many different answers are there?
			this.refusals.add(ex.description().replaceAll("'[^']*'|[0-9]+|\\[[^]]*]|/\\S+", "?"));
		}
		catch (Throwable ex) {
			throw new AssertionError("Case " + number + " ended in " + ex, ex);
		}
		Duration took = Duration.ofNanos(this.threads.getCurrentThreadCpuTime() - processorTime);
		this.slowest = (took.compareTo(this.slowest) > 0) ? took : this.slowest;
		assertThat(took).as("processor time of case %d", number).isLessThan(MAX_DURATION);
		assertThat(this.threads.getCurrentThreadAllocatedBytes() - before).as("bytes allocated by case %d", number)
			.isLessThan(this.maxAllocated);
	}

	/**
	 * A mutator that breaks nothing, or everything in one way, would prove nothing.
	 */
	public void verify() {
		logger.info("{} accepted, {} refused in {} ways; the slowest took {} ms of processor time", this.accepted,
				this.refused, this.refusals.size(), this.slowest.toMillis());
		assertThat(this.accepted).isPositive();
		assertThat(this.refused).isGreaterThan(this.accepted / 4);
		assertThat(this.refusals).hasSizeGreaterThan(10);
	}

}
