package io.github.flashspring.engine;

import java.util.List;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

/**
 * Keeps the doors between the engine's packages shut: dependencies point one way, and
 * each package knows only those it is written against.
 */
@AnalyzeClasses(packages = "io.github.flashspring.engine", importOptions = DoNotIncludeTests.class)
class PackageDoorsTests {

	private static final String ENGINE = "io.github.flashspring.engine";

	@ArchTest
	static final ArchRule PACKAGES_KNOW_ONLY_THOSE_BELOW_THEM = doors();

	@ArchTest
	static final ArchRule PACKAGES_ARE_FREE_OF_CYCLES = slices().matching(ENGINE + ".(**)").should().beFreeOfCycles();

	@ArchTest
	static final ArchRule THE_ENGINE_KNOWS_NO_FRAMEWORK = noClasses().should()
		.dependOnClassesThat()
		.resideInAnyPackage("org.springframework..", "reactor..", "io.micrometer..", "com.sun.jna..", "picocli..");

	@ArchTest
	static final ArchRule ONLY_THE_CPU_DEVICE_KNOWS_THE_VECTOR_API = noClasses().that()
		.resideOutsideOfPackage(ENGINE + ".device.cpu..")
		.should()
		.dependOnClassesThat()
		.resideInAPackage("jdk.incubator.vector..");

	@ArchTest
	static final ArchRule DEVICES_KNOW_OF_A_CHECKPOINT_ONLY_HOW_NUMBERS_ARE_STORED = noClasses().that()
		.resideInAPackage(ENGINE + ".device..")
		.should()
		.dependOnClassesThat(
				resideInAPackage(ENGINE + ".checkpoint..").and(not(nameMatching(".*\\.(DType|Quantization)(\\$.*)?"))));

	/**
	 * The rooms from the top floor to the ground; each is listed with those it may use.
	 */
	private static LayeredArchitecture doors() {
		LayeredArchitecture doors = layeredArchitecture().consideringOnlyDependenciesInLayers()
			.withOptionalLayers(true)
			.layer("engine")
			.definedBy(ENGINE)
			.layer("device")
			.definedBy(ENGINE + ".device");
		for (String room : List.of("generate", "text", "model", "residency", "reading", "pacing", "cache", "weights",
				"device.cpu", "storage", "memory", "hub", "modelfile", "checkpoint", "metrics", "failure")) {
			doors = doors.layer(room).definedBy(ENGINE + "." + room + "..");
		}
		return doors.whereLayer("engine")
			.mayNotBeAccessedByAnyLayer()
			.whereLayer("generate")
			.mayOnlyAccessLayers("text", "model", "residency", "cache", "device", "memory", "checkpoint", "metrics",
					"failure")
			.whereLayer("text")
			.mayOnlyAccessLayers("checkpoint", "metrics", "failure")
			.whereLayer("model")
			.mayOnlyAccessLayers("residency", "cache", "weights", "device", "checkpoint", "metrics", "failure")
			.whereLayer("residency")
			.mayOnlyAccessLayers("reading", "pacing", "weights", "device", "storage", "memory", "checkpoint", "metrics",
					"failure")
			.whereLayer("reading")
			.mayOnlyAccessLayers("pacing", "weights", "device", "storage", "memory", "checkpoint", "metrics", "failure")
			.whereLayer("pacing")
			.mayOnlyAccessLayers("storage", "metrics", "failure")
			.whereLayer("cache")
			.mayOnlyAccessLayers("device", "storage", "memory", "metrics", "failure")
			.whereLayer("weights")
			.mayOnlyAccessLayers("device", "storage", "memory", "checkpoint", "metrics", "failure")
			.whereLayer("device.cpu")
			.mayOnlyAccessLayers("device", "memory", "checkpoint", "metrics", "failure")
			.whereLayer("device")
			.mayOnlyAccessLayers("checkpoint", "metrics", "failure")
			.whereLayer("storage")
			.mayOnlyAccessLayers("memory", "checkpoint", "metrics", "failure")
			.whereLayer("memory")
			.mayOnlyAccessLayers("metrics", "failure")
			.whereLayer("hub")
			.mayOnlyAccessLayers("checkpoint", "metrics", "failure")
			.whereLayer("modelfile")
			.mayOnlyAccessLayers("checkpoint", "failure")
			.whereLayer("checkpoint")
			.mayOnlyAccessLayers("metrics", "failure")
			.whereLayer("metrics")
			.mayNotAccessAnyLayer()
			.whereLayer("failure")
			.mayNotAccessAnyLayer();
	}

}
