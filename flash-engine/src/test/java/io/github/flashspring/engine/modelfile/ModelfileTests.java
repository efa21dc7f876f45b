package io.github.flashspring.engine.modelfile;

import java.io.ByteArrayOutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * {@link Modelfile}: the grammar, messages with lines, and writing what was read.
 */
class ModelfileTests {

	/** Every instruction that there is. */
	static final String EVERYTHING = """
			# A file with every instruction.
			FROM mlx-community/Llama-3.2-1B-Instruct-4bit
			PARAMETER num_ctx 2048
			PARAMETER num_predict -1
			PARAMETER temperature 0.7
			PARAMETER top_k 40
			PARAMETER top_p 0.9
			PARAMETER min_p 0.05
			PARAMETER typical_p 1
			PARAMETER repeat_last_n 64
			PARAMETER repeat_penalty 1.1
			PARAMETER presence_penalty 0.5
			PARAMETER frequency_penalty -0.5
			PARAMETER seed 42
			PARAMETER stop "<|im_end|>"
			PARAMETER stop ### User:
			PARAMETER num_thread 4
			PARAMETER num_batch 256
			PARAMETER num_gpu -1
			PARAMETER main_gpu 0
			PARAMETER num_keep 4
			PARAMETER use_mmap true
			PARAMETER draft_num_predict 4
			PARAMETER mirostat 0
			PARAMETER mirostat_tau 5.0
			PARAMETER mirostat_eta 0.1
			PARAMETER penalize_newline false
			PARAMETER low_vram false
			PARAMETER f16_kv true
			PARAMETER logits_all false
			PARAMETER vocab_only false
			PARAMETER use_mlock false
			TEMPLATE ""\"{% for m in messages %}{{ m.role }}: {{ m.content }}
			{% endfor %}""\"
			SYSTEM ""\"You are a pirate.
			Say "Arr" often.""\"
			ADAPTER ./lora
			LICENSE MIT
			LICENSE ""\"
			Copyright
			""\"
			MESSAGE user Ahoy?
			MESSAGE assistant "Arr!"
			REQUIRES v0.14.0
			DRAFT ./small
			RENDERER qwen3
			PARSER qwen3
			FLASH true
			FLASH_RAM_GB 10
			# FLASH_THREADS 4
			#FLASH_PREFETCH_LAYERS 2
			FLASH_QUANT_WARN_BELOW 4
			# FLASH_TOP_K 0
			FLASH_EVICTION dontneed
			""";

	@Test
	void readsEveryInstructionWithItsLine() {
		Modelfile file = parse(EVERYTHING);
		assertThat(file.from())
			.isEqualTo(new Instruction(Keyword.FROM, "", "mlx-community/Llama-3.2-1B-Instruct-4bit", 2));
		assertThat(file.instructions().stream().map(Instruction::keyword).distinct())
			.containsExactlyInAnyOrder(Keyword.values());
		assertThat(file.all(Keyword.PARAMETER).stream().map(Instruction::name).distinct())
			.containsExactlyInAnyOrderElementsOf(Parameter.keys());
		assertThat(file.all(Parameter.STOP).stream().map(Instruction::value)).containsExactly("<|im_end|>",
				"### User:");
		assertThat(value(file, Keyword.SYSTEM)).isEqualTo("You are a pirate.\nSay \"Arr\" often.");
		assertThat(file.all(Keyword.LICENSE).stream().map(Instruction::value)).containsExactly("MIT", "\nCopyright\n");
		assertThat(file.last(Keyword.FLASH_THREADS).orElseThrow().line()).isEqualTo(50);
		assertThat(file.all(Keyword.MESSAGE).getLast())
			.isEqualTo(new Instruction(Keyword.MESSAGE, "assistant", "Arr!", 43));
	}

	@Test
	void writtenTextReadsBackAsTheSame() {
		Modelfile file = parse(EVERYTHING);
		assertThat(withoutLines(parse(file.text()))).isEqualTo(withoutLines(file));
		assertThat(parse(file.text()).text()).isEqualTo(file.text());
		assertThat(file.text()).contains("# FLASH_RAM_GB 10\n").contains("LICENSE MIT\n");
	}

	@ParameterizedTest
	@ValueSource(strings = { "plain", " spaces around ", "\"", "\"\"", "\"quoted\"", "\"\"\"", "ends with\"", "a\nb",
			"\n", "line\"\nline", "tab\t", "日本語 \uD83D\uDE00", "  \"\n  ", "\"\"\"a\nb", "# comment\n#" })
	void valuesReadBackWhateverTheirQuotes(String value) {
		Modelfile file = new Modelfile("t",
				List.of(Instruction.of(Keyword.FROM, "", "m"), Instruction.of(Keyword.SYSTEM, "", value)));
		assertThat(value(parse(file.text()), Keyword.SYSTEM)).isEqualTo(value);
	}

	@Test
	void refusesToWriteWhatTheGrammarCannotExpress() {
		Modelfile file = new Modelfile("t",
				List.of(Instruction.of(Keyword.FROM, "", "m"), Instruction.of(Keyword.SYSTEM, "", "a\"\"\"\nb")));
		assertThatExceptionOfType(ModelfileException.class).isThrownBy(file::text).withMessageContaining("SYSTEM");
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
			from m|m
			FROM    m/n   |m/n
			FROM "m n"|m n
			FROM ""\"m""\"|m
			 \t FrOm m|m
			FROM ./a b c|./a b c
			FROM 'm'|'m'
			""")
	void keywordsHaveAnyCaseAndValuesAnyQuotes(String line, String expected) {
		assertThat(parse(line).from().value()).isEqualTo(expected);
		assertThat(parse("# c\n\n" + line + "\n#c").from().value()).isEqualTo(expected);
	}

	@ParameterizedTest
	@ValueSource(strings = { "UTF-8", "UTF-16LE", "UTF-16BE" })
	void readsEncodingsWithByteOrderMark(String charset) {
		byte[] content = ("\uFEFFFROM bob\r\nSYSTEM \"\"\"你好\r\n\uD83D\uDC4B\"\"\"\r\nPARAMETER stop x\r\n")
			.getBytes(Charset.forName(charset));
		Modelfile file = Modelfile.parse(content, "t");
		assertThat(value(file, Keyword.SYSTEM)).isEqualTo("你好\n\uD83D\uDC4B");
		assertThat(file.from().value()).isEqualTo("bob");
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
			``|no FROM line
			# FROM m|no FROM line
			FROM|t, line 1: FROM needs a value
			FROM m\\nFROM n|t, line 2: a second FROM
			FROM m\\nSISTEM x|t, line 2: unknown instruction 'SISTEM'. Did you mean 'SYSTEM'?
			FROM m\\nFLASH_RAM 10|t, line 2: unknown instruction 'FLASH_RAM'. Did you mean 'FLASH_RAM_GB'?
			FROM m\\n# FLASH_RAM_MB 10|t, line 2: unknown instruction 'FLASH_RAM_MB'. Did you mean 'FLASH_RAM_GB'?
			FROM m\\nPARAMETER num_ctx|t, line 2: PARAMETER num_ctx needs a value
			FROM m\\nPARAMETER|t, line 2: PARAMETER needs a name and a value
			FROM m\\nPARAMETER num_ctxx 5|t, line 2: unknown parameter 'num_ctxx'. Did you mean 'num_ctx'?
			FROM m\\nPARAMETER num_ctx ten|t, line 2: num_ctx must be a whole number, but is 'ten'
			FROM m\\nPARAMETER top_p NaN|t, line 2: top_p must be a number, but is 'NaN'
			FROM m\\nPARAMETER use_mmap maybe|t, line 2: use_mmap must be true or false, but is 'maybe'
			FROM m\\n\\nSYSTEM ""\"open\\nmore|t, line 3: the quotes ""\" of SYSTEM are not closed
			FROM m\\nSYSTEM "open|t, line 2: the quotes " of SYSTEM are not closed
			FROM m\\nSYSTEM ""\"a""\" b|t, line 2: the quotes ""\" of SYSTEM are not closed
			FROM m\\nMESSAGE robot hi|t, line 2: a message has the role 'robot'
			FROM m\\nMESSAGE user|t, line 2: MESSAGE user needs a value
			FROM m\\nREQUIRES soon|t, line 2: REQUIRES is 'soon'
			FROM m\\nDRAFT m|t, line 2: DRAFT is the model of FROM
			FROM m\\nFLASH perhaps|t, line 2: FLASH is 'perhaps'
			FROM m\\nFLASH_RAM_GB ten|t, line 2: FLASH_RAM_GB is 'ten'
			FROM m\\nFLASH_EVICTION all|t, line 2: FLASH_EVICTION is 'all'
			FROM m\\nFROM: n|t, line 2: unknown instruction 'FROM: n'
			FROM m\\n\\u2003\\u017fYSTEM x|t, line 2: unknown instruction
			""")
	void errorsNameLineReasonAndNearestName(String text, String message) {
		assertThatExceptionOfType(ModelfileException.class)
			.isThrownBy(
					() -> parse(text.replace("\\n", "\n").replace("\\u2003", "\u2003").replace("\\u017f", "\u017f")))
			.withMessageContaining(message);
	}

	@ParameterizedTest
	@ValueSource(strings = { "# FLASH attention is fast", "# FLASH attention", "# FLASH_RAM_GB is what Flash may use",
			"# flash_ram_gb 3", "# FLASH_RAM_GB", "#", "# FLASH_RAM_GB \"3" })
	void sentencesAboutFlashAreComments(String line) {
		assertThat(parse(line + "\nFROM m").instructions()).hasSize(1);
	}

	@Test
	void refusesWhatIsNoText() {
		assertThatExceptionOfType(ModelfileException.class)
			.isThrownBy(() -> Modelfile.parse(new byte[] { 'F', (byte) 0xff, 'x' }, "t"))
			.withMessageContaining("not UTF-8 text");
		assertThatExceptionOfType(ModelfileException.class).isThrownBy(() -> parse("FROM m\0"))
			.withMessageContaining("value 0");
		assertThatExceptionOfType(ModelfileException.class).isThrownBy(() -> parse("#" + "x".repeat(5 << 20)))
			.withMessageContaining("4 MB");
	}

	@Test
	void missingFilesAndFoldersAreNamed(@TempDir Path folder) {
		assertThatExceptionOfType(ModelfileException.class).isThrownBy(() -> Modelfile.read(folder.resolve("none")))
			.withMessageContaining("does not exist");
		assertThatExceptionOfType(ModelfileException.class).isThrownBy(() -> Modelfile.read(folder))
			.withMessageContaining("is a folder");
	}

	@Test
	void ownInstructionsReplaceThoseOfTheBase() {
		Modelfile base = parse("FROM m\nPARAMETER stop a\nPARAMETER stop b\nPARAMETER seed 1\nSYSTEM one\nLICENSE MIT");
		Modelfile own = parse("FROM base\nPARAMETER stop c\nSYSTEM two");
		Modelfile both = own.over(base);
		assertThat(both.text()).isEqualTo("FROM m\nPARAMETER seed 1\nLICENSE MIT\nPARAMETER stop c\nSYSTEM two\n");
	}

	@Test
	void mutatedFilesAreReadOrRefusedWithTheirName() {
		Random random = new Random(5);
		byte[] original = EVERYTHING.getBytes(StandardCharsets.UTF_8);
		String[] pieces = { "\"\"\"", "\"", "\n", "\r", " ", "#", "FROM ", "# FLASH", "PARAMETER ", "\uFEFF", "é",
				"\t" };
		int read = 0;
		for (int i = 0; i < 10_000; i++) {
			ByteArrayOutputStream mutated = new ByteArrayOutputStream();
			int from = 0;
			for (int cuts = 1 + random.nextInt(4); cuts > 0 && from < original.length; cuts--) {
				int to = from + random.nextInt(original.length - from + 1);
				mutated.write(original, from, to - from);
				switch (random.nextInt(4)) {
					case 0 -> mutated.write(random.nextInt(256));
					case 1 ->
						mutated.writeBytes(pieces[random.nextInt(pieces.length)].getBytes(StandardCharsets.UTF_8));
					default -> to += random.nextInt(20);
				}
				from = to;
			}
			if (from < original.length && random.nextInt(4) > 0) {
				mutated.write(original, from, original.length - from);
			}
			try {
				Modelfile file = Modelfile.parse(mutated.toByteArray(), "t");
				assertThat(withoutLines(parse(file.text()))).isEqualTo(withoutLines(file));
				read++;
			}
			catch (ModelfileException ex) {
				assertThat(ex.getMessage()).startsWith("t");
			}
		}
		assertThat(read).isBetween(500, 9_500);
	}

	@Test
	@Timeout(120)
	void manyBlankLinesWithinQuotesTakeNoQuadraticTime() {
		assertThatExceptionOfType(ModelfileException.class)
			.isThrownBy(() -> parse("FROM m\nSYSTEM \"\"\"x" + "\n".repeat(3 << 20)));
	}

	private static List<Instruction> withoutLines(Modelfile file) {
		return file.instructions()
			.stream()
			.map((one) -> Instruction.of(one.keyword(), one.name(), one.value()))
			.toList();
	}

	private static String value(Modelfile file, Keyword keyword) {
		return file.last(keyword).orElseThrow().value();
	}

	private static Modelfile parse(String text) {
		return Modelfile.parse(text.getBytes(StandardCharsets.UTF_8), "t");
	}

}
