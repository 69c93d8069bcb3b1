import math

print(math.pi)
import a_package_that_nobody_has
