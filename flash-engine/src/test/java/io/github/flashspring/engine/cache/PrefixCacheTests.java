package io.github.flashspring.engine.cache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.cpu.CpuDeviceProvider;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@link PrefixCache}: what is kept, what goes first, and that sequences see
 * their own tokens whatever others do.
 */
class PrefixCacheTests {

	private static final int PAGE = 16;

	private static final KvPages.Layout LAYOUT = new KvPages.Layout(PAGE, 1, 1, 1);

	private static final int PAGE_FLOATS = 2 * PAGE;

	private static final int PAGE_BYTES = PAGE_FLOATS * Float.BYTES;

	private static final int STATE = 16;

	private final Device device = new CpuDeviceProvider().create(new DeviceProvider.Options(1));

	@AfterEach
	void close() {
		this.device.close();
	}

	private KvCache cache(int pages, int stateFloats, int... windows) {
		KvCache cache = new KvCache(this.device, LAYOUT, LayerGroups.of(windows), (long) pages * PAGE, stateFloats, 3);
		cache.prefixes().keep(stateFloats * 4L * Float.BYTES, Long.MAX_VALUE);
		return cache;
	}

	private static int[] tokens(int count, int first) {
		int[] tokens = new int[count];
		Arrays.setAll(tokens, (i) -> first + i);
		return tokens;
	}

	/** Computes and leaves tokens. */
	private void leave(KvCache cache, int[] tokens) {
		Text text = new Text(cache, tokens);
		assertThat(text.begin()).isTrue();
		assertThat(text.compute(tokens.length - text.length())).isTrue();
		text.leave();
	}

	private static int found(KvCache cache, int[] tokens) {
		SequenceMemory memory = cache.open(tokens, tokens.length).orElseThrow();
		int length = memory.length();
		memory.close();
		return length;
	}

	@Test
	void atLeastTheLastTokenIsLeftToCompute() {
		try (KvCache cache = cache(8, 0, 0)) {
			leave(cache, tokens(40, 1));
			assertThat(found(cache, tokens(40, 1))).isEqualTo(32);
			assertThat(found(cache, tokens(33, 1))).isEqualTo(32);
			assertThat(found(cache, tokens(32, 1))).isEqualTo(16);
			assertThat(found(cache, tokens(1, 1))).isZero();
			assertThat(found(cache, tokens(40, 2))).isZero();
			assertThat(cache.prefixes().metrics().bytes()).isEqualTo(2 * PAGE_BYTES);
		}
	}

	@Test
	void leafUsedLongestAgoGoesFirst() {
		try (KvCache cache = cache(6, 0, 0)) {
			leave(cache, tokens(32, 100));
			leave(cache, tokens(32, 200));
			leave(cache, tokens(32, 300));
			assertThat(found(cache, tokens(33, 100))).isEqualTo(32);
			leave(cache, tokens(48, 400));
			assertThat(found(cache, tokens(33, 100))).isEqualTo(32);
			assertThat(found(cache, tokens(33, 200))).isZero();
			assertThat(found(cache, tokens(33, 300))).isEqualTo(16);
			assertThat(cache.prefixes().metrics().evictedPages()).isEqualTo(3);
		}
	}

	@Test
	void neverKeepsMoreThanItsLimit() {
		try (KvCache cache = new KvCache(this.device, LAYOUT, LayerGroups.full(1), 8 * PAGE, 0, 0)) {
			cache.prefixes().keep(0, 3 * PAGE_BYTES);
			leave(cache, tokens(128, 100));
			assertThat(cache.prefixes().metrics().bytes()).isEqualTo(3 * PAGE_BYTES);
			assertThat(found(cache, tokens(128, 100))).isEqualTo(48);
		}
	}

	@Test
	void windowsAreKeptWhereASequenceCanResume() {
		// all layers but one have a window: what a point takes is as much as 16 pages
		try (KvCache cache = cache(64, 0, 0, 20, 20, 20)) {
			leave(cache, tokens(100, 100));
			assertThat(found(cache, tokens(100, 100))).isEqualTo(96);
			int[] other = tokens(100, 100);
			other[50] = 7;
			leave(cache, other);
			assertThat(found(cache, other)).isEqualTo(96);
			// the first three pages of both are one; their windows are gone
			other[60] = 8;
			assertThat(found(cache, other)).isZero();
		}
	}

	@ParameterizedTest
	@CsvSource({ "0, 0 0", "0, 0 20 20", "0, 40 0", "16, 0", "16, ''", "16, 0 20" })
	void sequencesSeeTheirOwnTokensWhateverOthersDo(int stateFloats, String windows) {
		int[] layers = windows.isEmpty() ? new int[0]
				: Arrays.stream(windows.split(" ")).mapToInt(Integer::parseInt).toArray();
		Random random = new Random(17);
		for (int round = 0; round < 1700; round++) {
			try (KvCache cache = cache(4 + random.nextInt(12), stateFloats, layers)) {
				List<Text> texts = new ArrayList<>();
				for (int step = 0; step < 40; step++) {
					step(cache, texts, random);
					texts.forEach(Text::check);
				}
				texts.forEach((text) -> text.memory().close());
				cache.prefixes().forget();
				assertThat(cache.prefixes().metrics().bytes()).isZero();
				assertThat(cache.prefixes().metrics().tokens()).isZero();
				// no page is lost: the longest sequence fits again
				Text last = new Text(cache, new int[0]);
				assertThat(last.begin()).isTrue();
				assertThat(last.memory().reserve(4 * PAGE)).isTrue();
				last.memory().close();
				assertThat(cache.heldPages()).isZero();
			}
		}
	}

	private void step(KvCache cache, List<Text> texts, Random random) {
		int what = random.nextInt(10);
		Text text = texts.isEmpty() ? null : texts.get(random.nextInt(texts.size()));
		if (text == null || (what == 0 && texts.size() < 3)) {
			// few beginnings, so that there are hits
			Text begun = new Text(cache, tokens(1 + random.nextInt(60), 100 * (1 + random.nextInt(2))));
			if (random.nextInt(3) == 0) {
				begun.known[begun.known.length / 2] = 7;
			}
			if (begun.begin()) {
				texts.add(begun);
			}
		}
		else if (what == 1) {
			texts.remove(text);
			text.leave();
		}
		else if (what == 2) {
			text.memory().leave(text.known);
			if (!text.begin()) {
				texts.remove(text);
			}
		}
		else if (what == 3 && texts.size() < 3) {
			text.fork().ifPresent(texts::add);
		}
		else if (what == 4) {
			text.truncate(random.nextInt(text.length() + 1));
		}
		else if (what == 5) {
			Optional.ofNullable(cache.prefixes().tree()).ifPresent(PrefixCache::evict);
		}
		else if (text.length() < 4 * PAGE) {
			text.compute(1 + random.nextInt(Math.min(40, 4 * PAGE - text.length())));
		}
	}

	/** A sequence whose "keys" are its tokens, and whose "state" is their sum. */
	private final class Text {

		private final KvCache cache;

		private int[] known;

		private @Nullable SequenceMemory memory;

		Text(KvCache cache, int[] known) {
			this.cache = cache;
			this.known = known;
		}

		SequenceMemory memory() {
			return Objects.requireNonNull(this.memory);
		}

		int length() {
			return memory().length();
		}

		boolean begin() {
			Optional<SequenceMemory> lent = this.cache.open(this.known, this.known.length);
			lent.ifPresent((found) -> this.memory = found);
			return lent.isPresent();
		}

		boolean compute(int count) {
			int from = length();
			int end = from + count;
			boolean decoding = from >= this.known.length - 1 && count == 1;
			if (end > this.known.length) {
				int before = this.known.length;
				this.known = Arrays.copyOf(this.known, end);
				for (int i = before; i < end; i++) {
					this.known[i] = 1000 + i;
				}
			}
			if (!memory().reserve(count)) {
				return false;
			}
			for (RaggedBatch.Span span : memory().spans(0, count, this.known.length, decoding)) {
				store(span);
			}
			memory().advance(count);
			memory().keep(this.known, this.known.length, from, decoding);
			return true;
		}

		private void store(RaggedBatch.Span span) {
			for (int i = 0; i < span.rows(); i++) {
				int position = span.position() + i;
				for (int group = 0; group < span.pageTables().length; group++) {
					write(span.pages(group)[position / PAGE], position % PAGE, this.known[position]);
				}
			}
			Buffer state = span.state();
			if (state != null) {
				float sum = (span.position() == 0) ? 0 : read(state, STATE)[0];
				for (int i = 0; i < span.rows(); i++) {
					sum += this.known[span.position() + i];
				}
				write(state, sum);
				if (span.snapshot() != null) {
					write(span.snapshot(), sum);
				}
			}
		}

		void check() {
			RaggedBatch.Span span = memory().span(0, 1);
			LayerGroups groups = this.cache.groups();
			for (int group = 0; group < span.pageTables().length; group++) {
				float[] page = {};
				int first = groups.firstVisible(group, length());
				for (int position = first; position < length(); position++) {
					if (page.length == 0 || position % PAGE == 0) {
						page = PrefixCacheTests.this.read(this.cache.buffer(span.pages(group)[position / PAGE]),
								PAGE_FLOATS);
					}
					assertThat((int) page[position % PAGE]).isEqualTo(this.known[position]);
				}
			}
			if (span.state() != null && length() > 0) {
				float sum = 0;
				for (int i = 0; i < length(); i++) {
					sum += this.known[i];
				}
				assertThat(read(span.state(), STATE)[0]).isEqualTo(sum);
			}
		}

		Optional<Text> fork() {
			return memory().fork().map((memory) -> {
				Text fork = new Text(this.cache, this.known.clone());
				fork.memory = memory;
				return fork;
			});
		}

		void truncate(int length) {
			boolean state = memory().span(0, 1).state() != null;
			if (state && length != 0) {
				return;
			}
			try {
				memory().truncate(length);
			}
			catch (IllegalStateException ex) {
				assertThat(ex).hasMessageContaining("behind the sliding window");
				return;
			}
			if (length < this.known.length) {
				this.known = Arrays.copyOf(this.known, Math.max(1, length));
			}
		}

		void leave() {
			memory().leave(this.known);
		}

		private void write(int page, int index, float value) {
			Buffer buffer = this.cache.buffer(page);
			float[] numbers = PrefixCacheTests.this.read(buffer, PAGE_FLOATS);
			numbers[index] = value;
			PrefixCacheTests.this.device.write(Tensor.floats(buffer, 0, 1, PAGE_FLOATS), numbers);
		}

		private void write(Buffer state, float value) {
			float[] numbers = new float[STATE];
			Arrays.fill(numbers, value);
			PrefixCacheTests.this.device.write(Tensor.floats(state, 0, 1, STATE), numbers);
		}

	}

	private float[] read(Buffer buffer, int floats) {
		float[] numbers = new float[floats];
		this.device.read(Tensor.floats(buffer, 0, 1, floats), numbers);
		return numbers;
	}

}
