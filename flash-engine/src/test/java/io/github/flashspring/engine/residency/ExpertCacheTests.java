package io.github.flashspring.engine.residency;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.cpu.CpuDeviceProvider;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.WeightGroup.Kind;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What stays in the cache of experts and what leaves it.
 */
class ExpertCacheTests {

	private static final int BYTES = 4096;

	private static final int EXPERTS = 16;

	private final ExpertRanking ranking = new ExpertRanking.Measured(EXPERTS);

	private final List<Integer> left = new ArrayList<>();

	private final Device device = new CpuDeviceProvider().create(new DeviceProvider.Options(1));

	private final ExpertCache cache = new ExpertCache(this.device, EXPERTS, this.ranking,
			(read) -> this.left.add(read.block().index()));

	@AfterEach
	void close() {
		this.cache.close();
		this.device.close();
	}

	private static Block block(int index, long bytes) {
		return new Block(index, index, Kind.EXPERT, List.of(),
				List.of(new Block.Extent(Path.of("/model.safetensors"), index * bytes, bytes, 0)), bytes);
	}

	private CachedRead admit(int index, double worth) {
		CachedRead read = Objects.requireNonNull(this.cache.admit(block(index, BYTES), worth, (other) -> true));
		read.begin(0);
		return read;
	}

	private boolean contains(int index) {
		return this.cache.get(block(index, BYTES)) != null;
	}

	/** A token that needs some experts, all others being alike. */
	private void token(int... experts) {
		this.ranking.passed(1);
		for (int expert : experts) {
			this.ranking.used(expert, 1);
		}
	}

	@Test
	void whatIsWorthLeastLeavesFirst() {
		this.cache.resize(3 * BYTES);
		token(0, 1, 2);
		token(0, 2);
		token(0);
		IntStream.range(0, 3).forEach((index) -> admit(index, Double.POSITIVE_INFINITY));
		admit(3, Double.POSITIVE_INFINITY);
		assertThat(this.left).containsExactly(1);
		assertThat(List.of(contains(0), contains(1), contains(2), contains(3))).containsExactly(true, false, true,
				true);
		token(3);
		admit(4, Double.POSITIVE_INFINITY);
		assertThat(this.left).as("used last, but seldom").containsExactly(1, 3);
	}

	@Test
	void whatIsWorthMoreDoesNotLeave() {
		this.cache.resize(BYTES);
		token(0);
		admit(0, Double.POSITIVE_INFINITY);
		double worth = this.ranking.worth(0);
		assertThat(this.cache.admit(block(1, BYTES), worth, (other) -> true)).isNull();
		assertThat(this.left).isEmpty();
		admit(1, worth + 1e-6);
		assertThat(this.left).containsExactly(0);
	}

	@Test
	void whatIsInUseNeverLeaves() {
		this.cache.resize(3 * BYTES);
		admit(0, 1).hold(true);
		admit(1, 1).begin(1);
		admit(2, 1).wanted = true;
		assertThat(this.cache.admit(block(3, BYTES), Double.POSITIVE_INFINITY, (other) -> !other.wanted)).isNull();
		assertThat(this.left).isEmpty();
		assertThat(this.cache.all()).hasSize(3);
		this.cache.all().getFirst().hold(false);
		assertThat(this.cache.admit(block(3, BYTES), Double.POSITIVE_INFINITY, (other) -> !other.wanted)).isNotNull();
		assertThat(this.left).containsExactly(0);
	}

	@Test
	void whatCouldNotBeReadLeavesBeforeAllElse() {
		this.cache.resize(2 * BYTES);
		admit(0, 1);
		token(1);
		CachedRead failed = admit(1, 1);
		failed.begin(1);
		failed.ended(failed.block().extents().getFirst(), new IllegalStateException("read"));
		admit(2, 1);
		assertThat(this.left).containsExactly(1);
	}

	@Test
	void memoryIsUsedAgain() {
		this.cache.resize(BYTES);
		long address = admit(0, 1).memory().address();
		assertThat(admit(1, 1).memory().address()).isEqualTo(address);
		assertThat(this.left).containsExactly(0);
	}

	@ParameterizedTest
	@ValueSource(longs = { 0, 1, BYTES - 1, BYTES, 2 * BYTES + 1, Long.MAX_VALUE })
	void neverHoldsMoreThanItsSize(long size) {
		this.cache.resize(size);
		for (int i = 0; i < 8; i++) {
			CachedRead read = this.cache.admit(block(i, BYTES), Double.POSITIVE_INFINITY, (other) -> true);
			if (read != null) {
				read.begin(0);
			}
			assertThat(read == null).isEqualTo(size < BYTES);
		}
		assertThat(this.cache.all()).hasSize((int) Math.min(8, size / BYTES));
	}

	@Test
	void blocksOfOtherSizesTakeTheMemoryOfThoseThatLeft() {
		this.cache.resize(4 * BYTES);
		for (int i = 0; i < 4; i++) {
			admit(i, 1);
		}
		CachedRead large = Objects
			.requireNonNull(this.cache.admit(block(8, 3 * BYTES), Double.POSITIVE_INFINITY, (other) -> true));
		assertThat(large.memory().byteSize()).isEqualTo(3 * BYTES);
		assertThat(this.left).hasSize(3);
		assertThat(this.cache.all().stream().mapToLong((read) -> read.block().bytes()).sum()).isEqualTo(4 * BYTES);
		assertThat(this.cache.admit(block(9, 5 * BYTES), Double.POSITIVE_INFINITY, (other) -> true)).isNull();
		assertThat(this.left).as("nothing leaves in vain").hasSize(3);
	}

	@Test
	void aSmallerCacheKeepsWhatIsWorthMost() {
		this.cache.resize(4 * BYTES);
		token(2, 3);
		for (int i = 0; i < 4; i++) {
			admit(i, 1);
		}
		this.cache.resize(2 * BYTES);
		assertThat(this.left).containsExactlyInAnyOrder(0, 1);
		assertThat(this.cache.capacity()).isEqualTo(2 * BYTES);
		this.cache.resize(0);
		assertThat(this.cache.all()).isEmpty();
		assertThat(this.left).hasSize(4);
	}

	/** One layer has favourites, the other uses all alike; then they change places. */
	@Test
	void layersWithFavouritesGetMore() {
		this.cache.resize(6 * BYTES);
		Random random = new Random(1);
		for (int half = 0; half < 2; half++) {
			int[] held = new int[2];
			int last = 0;
			for (int i = 0; i < 2000; i++) {
				int[] needed = new int[4];
				for (int layer = 0; layer < 2; layer++) {
					int choices = (layer == half) ? 4 : 8;
					int first = random.nextInt(choices);
					needed[2 * layer] = 8 * layer + first;
					needed[2 * layer + 1] = 8 * layer + (first + 1 + random.nextInt(choices - 1)) % choices;
				}
				token(needed);
				for (int expert : needed) {
					if (!contains(expert)) {
						admit(expert, Double.POSITIVE_INFINITY);
					}
				}
				if (i >= 1500) {
					last++;
					this.cache.all().forEach((read) -> held[read.block().index() / 8]++);
				}
			}
			assertThat(held[half] / (double) last).as("experts of the layer with favourites").isBetween(3.2, 4.0);
			assertThat(held[1 - half] / (double) last).isBetween(2.0, 2.8);
		}
	}

}
