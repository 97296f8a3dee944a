package datapipe.aging;

import java.util.Arrays;
import java.util.List;
import javassist.CannotCompileException;
import javassist.ClassPool;
import javassist.CodeConverter;
import javassist.CtClass;
import javassist.CtMethod;
import javassist.Loader;
import javassist.NotFoundException;
import javassist.Translator;

/** Runs a program for which time passes as fast as it says: Iceberg's classes read SimulatedClock. */
public final class Launcher {
  private static final String CLOCK = "datapipe.aging.SimulatedClock";
  private static final List<String> REDIRECTED = List.of("org.apache.iceberg.", "datapipe.");

  private Launcher() {}

  public static void main(String[] arguments) throws Throwable {
    ClassPool pool = ClassPool.getDefault();
    Loader loader = new Loader(pool);
    loader.addTranslator(pool, new Redirection());
    Thread.currentThread().setContextClassLoader(loader);
    loader.run(arguments[0], Arrays.copyOfRange(arguments, 1, arguments.length));
  }

  private static final class Redirection implements Translator {
    private CodeConverter converter;

    @Override
    public void start(ClassPool pool) throws NotFoundException, CannotCompileException {
      converter = new CodeConverter();
      converter.redirectMethodCall(
          method(pool, "java.lang.System", "currentTimeMillis"),
          method(pool, CLOCK, "currentTimeMillis"));
      converter.redirectMethodCall(
          method(pool, "java.time.Instant", "now"), method(pool, CLOCK, "now"));
      converter.redirectMethodCall(
          method(pool, "java.lang.Thread", "sleep", CtClass.longType),
          method(pool, CLOCK, "sleep", CtClass.longType));
    }

    private static CtMethod method(
        ClassPool pool, String type, String name, CtClass... parameters)
        throws NotFoundException {
      return pool.get(type).getDeclaredMethod(name, parameters);
    }

    @Override
    public void onLoad(ClassPool pool, String name)
        throws NotFoundException, CannotCompileException {
      if (!name.equals(CLOCK) && REDIRECTED.stream().anyMatch(name::startsWith)) {
        pool.get(name).instrument(converter);
      }
    }
  }
}
